//! Core metadata files (`METADATA`, `PKG-INFO`): header lines as in mail, until the first empty line.

/// Every value of that field, in order, with folded lines joined. Field names have no case.
pub(crate) fn values(bytes: &[u8], field: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in lines(bytes) {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let (true, Some(last)) = (inside, found.last_mut()) {
                let last: &mut String = last;
                last.push('\n');
                last.push_str(line.trim());
            }
            continue;
        }
        inside = false;
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case(field)
        {
            inside = true;
            found.push(value.trim().to_owned());
        }
    }
    found
}

/// The value of a field that may occur once; the first, as Python's parser takes it.
pub(crate) fn value(bytes: &[u8], field: &str) -> Option<String> {
    values(bytes, field).into_iter().next().filter(|value| !value.is_empty())
}

/// Lines in the first 256 KiB; the fields asked for stand long before a description that is larger.
fn lines(bytes: &[u8]) -> impl Iterator<Item = String> + '_ {
    let bytes = &bytes[..bytes.len().min(256 * 1024)];
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // Mail readers of Python take CR LF, LF and a lone CR for the end of a line.
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let all = rest?;
        let Some(at) = all.iter().position(|&b| b == b'\n' || b == b'\r') else {
            rest = None;
            return Some(String::from_utf8_lossy(all).into_owned());
        };
        let next = if all[at] == b'\r' && all.get(at + 1) == Some(&b'\n') { at + 2 } else { at + 1 };
        rest = Some(&all[next..]);
        Some(String::from_utf8_lossy(&all[..at]).into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_end_at_the_first_empty_line() {
        let text = b"Metadata-Version: 2.1\r\nname: a.B\r\nVersion : 1\r\n 2\r\nName: other\r\n\r\nName: body\r\n";
        assert_eq!(values(text, "Name"), ["a.B", "other"]);
        assert_eq!(value(text, "Version").as_deref(), Some("1\n2"));
        assert_eq!(value(text, "Requires-Python"), None);
        assert_eq!(value(b"", "Name"), None);
    }
}

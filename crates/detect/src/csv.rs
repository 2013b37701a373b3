//! Comma-separated lines as Python's `csv` module reads RECORD: double quotes, doubled inside.

/// One line: its number from 1 and its fields.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) line: u32,
    pub(crate) fields: Vec<String>,
}

/// The lines that are not empty, at most `most` of them, and of each the first three fields. Bytes that are not UTF-8 are
/// replaced, so that they match no member.
pub(crate) fn rows(bytes: &[u8], most: usize) -> Vec<Row> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut rows = Vec::new();
    let mut line = 1;
    let mut row = Row { line, fields: Vec::new() };
    let mut field = String::new();
    let mut characters = text.chars().peekable();
    let mut quoted = false;
    let mut any = false;
    while let Some(character) = characters.next() {
        line += u32::from(character == '\n');
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => (quoted, any) = (true, true),
            ',' if !quoted => {
                any = true;
                row.push(&mut field);
            }
            '\r' | '\n' if !quoted => {
                if any {
                    row.push(&mut field);
                    rows.push(row);
                    if rows.len() >= most {
                        return rows;
                    }
                }
                row = Row { line, fields: Vec::new() };
                any = false;
            }
            other => {
                any = true;
                field.push(other);
            }
        }
    }
    if any {
        row.push(&mut field);
        rows.push(row);
    }
    rows
}

impl Row {
    /// Ends a field. Only three are kept, as RECORD has no more: a line of commas must not take 24 times its length.
    fn push(&mut self, field: &mut String) {
        if self.fields.len() < 3 {
            self.fields.push(std::mem::take(field));
        }
        field.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_line_ends_are_read_as_python_does() {
        let read = |text: &str| rows(text.as_bytes(), 99).into_iter().map(|r| r.fields.join("|")).collect::<Vec<_>>();
        assert_eq!(read("a,b,1\r\nc,,\n"), ["a|b|1", "c||"]);
        assert_eq!(read("\"a,\"\"b\"\"\",x\n\n\"q\nr\",y"), ["a,\"b\"|x", "q\nr|y"]);
        assert_eq!(rows(b"a\n\nb", 99)[1].line, 3);
        assert_eq!(rows(b"a\nb\nc\n", 2).len(), 2);
        assert_eq!(read("a,b,c,d,e\nf"), ["a|b|c", "f"]);
        assert!(rows(b"", 99).is_empty());
        assert_eq!(read("a,\"unterminated\nx"), ["a|unterminated\nx"]);
    }
}

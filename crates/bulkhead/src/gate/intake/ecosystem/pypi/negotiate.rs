//! Which form of a page a client wants (PEP 691; RFC 9110, section 12.5.1).

/// The forms in which a page can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// `application/vnd.pypi.simple.v1+json`
    JsonV1,
    /// `application/vnd.pypi.simple.v1+html`
    HtmlV1,
    /// `text/html`
    Html,
}

impl Form {
    /// The value of `Content-Type`. Answers vary by `Accept`, so send `Vary: Accept` with it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::JsonV1 => "application/vnd.pypi.simple.v1+json",
            Self::HtmlV1 => "application/vnd.pypi.simple.v1+html; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
        }
    }

    /// The media types that ask for exactly this form.
    fn types(self) -> &'static [&'static str] {
        match self {
            Self::JsonV1 => &["application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.latest+json"],
            Self::HtmlV1 => &["application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.latest+html"],
            Self::Html => &["text/html"],
        }
    }
}

/// None of the forms is acceptable to the client: 406.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "none of the forms is acceptable: ask for application/vnd.pypi.simple.v1+json, \
     application/vnd.pypi.simple.v1+html or text/html"
)]
pub struct NotAcceptable;

/// Chooses the form that the client prefers. A missing or empty `Accept`, and `*/*`, get `text/html`, as PEP 691
/// recommends for those who do not know the API; among forms wanted equally, the one named most exactly, then JSON.
///
/// # Errors
/// [`NotAcceptable`] when every form is excluded or unnamed.
pub fn negotiate(accept: Option<&str>) -> Result<Form, NotAcceptable> {
    let accept = accept.unwrap_or("*/*").trim();
    let accept = if accept.is_empty() { "*/*" } else { accept };
    let ranges: Vec<Range<'_>> = accept.split(',').filter_map(Range::parse).collect();

    // In the order in which ties are broken when every form is matched by `*/*` alone.
    let mut best: Option<(u16, Exactness, Form)> = None;
    for form in [Form::Html, Form::HtmlV1, Form::JsonV1] {
        let Some((exactness, quality)) = wish(form, &ranges) else { continue };
        let wins = match best {
            None => true,
            // Later forms win ties, except that a bare `*/*` stays with `text/html`.
            Some((q, e, _)) => (quality, exactness) > (q, e) || ((quality, exactness) == (q, e) && e > Exactness::Any),
        };
        if quality > 0 && wins {
            best = Some((quality, exactness, form));
        }
    }
    best.map(|(_, _, form)| form).ok_or(NotAcceptable)
}

/// How exactly a media range names a form; of several that match, the most exact one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exactness {
    Any,
    Type,
    Whole,
}

/// One element of `Accept`.
struct Range<'a> {
    media: &'a str,
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    /// Nothing when the element is malformed: it then says nothing about any form.
    fn parse(element: &'a str) -> Option<Self> {
        let mut parts = element.split(';');
        let media = parts.next()?.trim();
        let mut quality = 1000;
        for parameter in parts {
            let (name, value) = parameter.split_once('=')?;
            if name.trim().eq_ignore_ascii_case("q") {
                quality = thousandths(value.trim())?;
            }
        }
        media.contains('/').then_some(Self { media, quality })
    }

    fn matches(&self, form: Form) -> Option<Exactness> {
        if self.media == "*/*" {
            return Some(Exactness::Any);
        }
        if form.types().iter().any(|kind| kind.eq_ignore_ascii_case(self.media)) {
            return Some(Exactness::Whole);
        }
        let family = self.media.strip_suffix("/*")?;
        let of = form.types().first()?.split('/').next()?;
        family.eq_ignore_ascii_case(of).then_some(Exactness::Type)
    }
}

/// The most exact range that matches decides; of equally exact ones (`v1` and `latest`) the most wanted.
fn wish(form: Form, ranges: &[Range<'_>]) -> Option<(Exactness, u16)> {
    ranges.iter().filter_map(|range| Some((range.matches(form)?, range.quality))).max()
}

/// RFC 9110, section 12.4.2: `0` or `1`, with up to three digits behind the point.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || !matches!(whole, "0" | "1") {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        _ if fraction == 0 => Some(1000),
        _ => None,
    }
}

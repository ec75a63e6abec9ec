//! The head of a response, and what it says about the body's length (RFC 9112, sections 4, 5 and 6.3).

use super::Error;

/// The most fields that a head may have. Ours have under ten; a server with more than this is not ours.
pub const MAX_FIELDS: usize = 64;

/// Status and fields of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    status: u16,
    minor_version: u8,
    /// Names and values, one after the other.
    text: String,
    /// Where in `text` each name and each value ends.
    ends: Vec<(usize, usize)>,
}

impl Head {
    /// The status code.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// All fields in their order. Names are as the server wrote them; bytes of a value that are not UTF-8 are U+FFFD.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|&(_, end)| end));
        starts.zip(&self.ends).map(|(start, &(name_end, end))| (&self.text[start..name_end], &self.text[name_end..end]))
    }

    /// The value of the first field called `name`, in whatever case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields().filter_map(move |(other, value)| other.eq_ignore_ascii_case(name).then_some(value))
    }

    /// Reads `block`: a status line, fields, an empty line.
    pub(super) fn parse(block: &[u8]) -> Result<Self, Error> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        response.parse(block).map_err(Error::Head)?;
        let (Some(status), Some(minor_version)) = (response.code, response.version) else {
            return Err(Error::NoStatusLine);
        };
        let mut head = Self { status, minor_version, ..Self::default() };
        for field in response.headers {
            head.text.push_str(field.name);
            let name_end = head.text.len();
            head.text.push_str(&String::from_utf8_lossy(field.value));
            head.ends.push((name_end, head.text.len()));
        }
        Ok(head)
    }

    /// How the end of the body is found.
    pub(super) fn body(&self) -> Result<Body, Error> {
        if matches!(self.status, 100..=199 | 204 | 304) {
            return Ok(Body::Length(0));
        }
        let length = self.content_length()?;
        let mut codings = self.values("transfer-encoding");
        match (codings.next(), codings.next(), length) {
            (None, _, Some(length)) => Ok(Body::Length(length)),
            (None, _, None) => Ok(Body::UntilClose),
            (Some(_), _, Some(_)) => Err(Error::LengthAndCoding),
            (Some(coding), None, None) if self.minor_version == 1 && coding.eq_ignore_ascii_case("chunked") => {
                Ok(Body::Chunked)
            }
            (Some(_), _, None) => Err(Error::TransferEncoding),
        }
    }

    /// The length, when there is one. It may be repeated, in one field or in several, as long as it stays the same.
    fn content_length(&self) -> Result<Option<u64>, Error> {
        let mut length = None;
        for value in self.values("content-length").flat_map(|value| value.split(',')) {
            let digits = value.trim_matches([' ', '\t']);
            // `parse` would take a plus sign.
            let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
            let value = digits.parse().ok().filter(|_| all_digits).ok_or(Error::ContentLength)?;
            if *length.get_or_insert(value) != value {
                return Err(Error::ContentLength);
            }
        }
        Ok(length)
    }
}

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Length(u64),
    Chunked,
    UntilClose,
}

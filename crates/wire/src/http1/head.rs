//! The heads of responses and requests, and what they say about the body's length (RFC 9112, sections 3 to 5 and 6.3).

use super::Error;

/// The most fields that a head may have. Ours have under ten; a server with more than this is not ours.
pub const MAX_FIELDS: usize = 64;

/// Fields of a head, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Fields {
    /// Names and values, one after the other.
    text: String,
    /// Where in `text` each name and each value ends.
    ends: Vec<(usize, usize)>,
}

impl Fields {
    fn new(read: &[httparse::Header<'_>]) -> Self {
        let mut fields = Self::default();
        for field in read {
            fields.text.push_str(field.name);
            let name_end = fields.text.len();
            fields.text.push_str(&String::from_utf8_lossy(field.value));
            fields.ends.push((name_end, fields.text.len()));
        }
        fields
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|&(_, end)| end));
        starts.zip(&self.ends).map(|(start, &(name_end, end))| (&self.text[start..name_end], &self.text[name_end..end]))
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.iter().filter_map(move |(other, value)| other.eq_ignore_ascii_case(name).then_some(value))
    }

    /// How the end of a body is found, where a head has said that there may be one; `otherwise` says it when no field does.
    fn body(&self, minor_version: u8, otherwise: Body) -> Result<Body, Error> {
        let length = self.content_length()?;
        let mut codings = self.values("transfer-encoding");
        match (codings.next(), codings.next(), length) {
            (None, _, Some(length)) => Ok(Body::Length(length)),
            (None, _, None) => Ok(otherwise),
            (Some(_), _, Some(_)) => Err(Error::LengthAndCoding),
            (Some(coding), None, None) if minor_version == 1 && coding.eq_ignore_ascii_case("chunked") => {
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

/// Status and fields of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    status: u16,
    minor_version: u8,
    fields: Fields,
}

impl Head {
    /// The status code.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// All fields in their order. Names are as the server wrote them; bytes of a value that are not UTF-8 are U+FFFD.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter()
    }

    /// The value of the first field called `name`, in whatever case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.values(name).next()
    }
}

/// Method, target and fields of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestHead {
    method: String,
    target: String,
    minor_version: u8,
    fields: Fields,
}

impl RequestHead {
    /// The method, as it was written.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The request target, as it was written: most often a path, and a query behind its question mark.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The target's path, without scheme and host where it has them (sections 3.2.1 and 3.2.2), and without the query.
    pub fn path(&self) -> &str {
        let target = self.target.split('?').next().unwrap_or_default();
        match target.split_once("://") {
            Some((_scheme, rest)) if !target.starts_with('/') => rest.find('/').map_or("/", |at| &rest[at..]),
            _ => target,
        }
    }

    /// The value of the first field called `name`, in whatever case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.values(name).next()
    }
}

/// What begins a message: one direction of a connection has one kind of it.
pub trait Start: Sized + Default {
    /// Reads `block`: a first line, fields, an empty line.
    ///
    /// # Errors
    ///
    /// When it is no such head.
    fn parse(block: &[u8]) -> Result<Self, Error>;

    /// How the end of the body is found.
    ///
    /// # Errors
    ///
    /// When the fields do not say, or say it twice.
    fn body(&self) -> Result<Body, Error>;
}

impl Start for Head {
    fn parse(block: &[u8]) -> Result<Self, Error> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        response.parse(block).map_err(Error::Head)?;
        let (Some(status), Some(minor_version)) = (response.code, response.version) else {
            return Err(Error::NoFirstLine);
        };
        Ok(Self { status, minor_version, fields: Fields::new(response.headers) })
    }

    fn body(&self) -> Result<Body, Error> {
        match self.status {
            101 => Ok(Body::Upgraded),
            100..=199 => Ok(Body::Interim),
            204 | 304 => Ok(Body::Length(0)),
            _ => self.fields.body(self.minor_version, Body::UntilClose),
        }
    }
}

impl Start for RequestHead {
    fn parse(block: &[u8]) -> Result<Self, Error> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut request = httparse::Request::new(&mut fields);
        request.parse(block).map_err(Error::Head)?;
        let (Some(method), Some(target), Some(minor_version)) = (request.method, request.path, request.version) else {
            return Err(Error::NoFirstLine);
        };
        Ok(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            minor_version,
            fields: Fields::new(request.headers),
        })
    }

    /// A request has no body unless a field says how long it is (section 6.3, rule 7).
    fn body(&self) -> Result<Body, Error> {
        self.fields.body(self.minor_version, Body::Length(0))
    }
}

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// It has so many bytes.
    Length(u64),
    /// It comes in chunks, the last of size 0.
    Chunked,
    /// It ends with the stream.
    UntilClose,
    /// There is none, and another head follows that answers the same request.
    Interim,
    /// There is none, and what follows is another protocol.
    Upgraded,
}

//! The byte ledger: every stream byte of a connection in exactly one category, so that the sum can be held against the
//! kernel's own count (`TCP_INFO`) to the byte.
//!
//! The ids are those of `summary.json`. Bytes below the stream (TCP and IP headers) are not in here: they come from segment
//! counts.

/// Which way bytes travel, seen from the subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the server.
    Down,
    /// To the server.
    Up,
}

impl Direction {
    /// Both, in the order of the report.
    pub const ALL: [Self; 2] = [Self::Down, Self::Up];

    /// The stable name in records.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
        }
    }
}

/// What a byte was for. Until hello every byte is `Handshake`; after it an HTTP exchange that carried no publication is
/// wholly `EmptyPolls`, or wholly `Heartbeat` when it was made for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// The bytes of `data`.
    Payload,
    /// The rest of the publication's JSON.
    Envelope,
    /// What the transport adds in a body or frame, around publications and control items.
    Framing,
    /// Heads of HTTP exchanges that carried a publication or a publish.
    HttpHead,
    /// All bytes of exchanges that carried none.
    EmptyPolls,
    /// Pings, pongs, heartbeat events and the exchanges made only for them.
    Heartbeat,
    /// All bytes until hello, or until the first position.
    Handshake,
    /// What TLS adds.
    Tls,
}

impl Category {
    /// All of them, in the order a stacked bar shows them: what the user asked for first.
    pub const ALL: [Self; 8] = [
        Self::Payload,
        Self::Envelope,
        Self::Framing,
        Self::HttpHead,
        Self::EmptyPolls,
        Self::Heartbeat,
        Self::Handshake,
        Self::Tls,
    ];

    /// The stable name in records.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Payload => "payload",
            Self::Envelope => "envelope",
            Self::Framing => "framing",
            Self::HttpHead => "http_head",
            Self::EmptyPolls => "empty_polls",
            Self::Heartbeat => "heartbeat",
            Self::Handshake => "handshake",
            Self::Tls => "tls",
        }
    }
}

/// Stream bytes by direction and category. Starts at zero and only grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByteLedger([[u64; Category::ALL.len()]; Direction::ALL.len()]);

impl ByteLedger {
    /// Adds `bytes` to one cell.
    pub fn charge(&mut self, direction: Direction, category: Category, bytes: u64) {
        self.0[direction as usize][category as usize] += bytes;
    }

    /// The bytes of one cell.
    #[must_use]
    pub fn get(&self, direction: Direction, category: Category) -> u64 {
        self.0[direction as usize][category as usize]
    }

    /// The bytes of one direction over all categories: what the kernel must have counted.
    #[must_use]
    pub fn total(&self, direction: Direction) -> u64 {
        self.0[direction as usize].iter().sum()
    }

    /// Adds another connection's ledger, cell by cell.
    pub fn add(&mut self, other: &Self) {
        for (direction, category, bytes) in other.iter() {
            self.charge(direction, category, bytes);
        }
    }

    /// What was charged since `earlier`, a copy of this ledger from before. `None` when a cell would be negative: then
    /// `earlier` is not such a copy and the difference means nothing.
    #[must_use]
    pub fn minus(&self, earlier: &Self) -> Option<Self> {
        let mut difference = Self::default();
        for (direction, category, bytes) in self.iter() {
            difference.charge(direction, category, bytes.checked_sub(earlier.get(direction, category))?);
        }
        Some(difference)
    }

    /// Every cell, zeros included, direction by direction in the order of [`Category::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Direction, Category, u64)> + '_ {
        Direction::ALL.into_iter().flat_map(move |direction| {
            Category::ALL.into_iter().map(move |category| (direction, category, self.get(direction, category)))
        })
    }
}

//! The seam and the drivers, without a network.

//! What judges in the checks, with the mistakes planted that each has to find: a ruler that makes them must fail, one without
//! must pass.

mod model;
mod newest;
mod planted;
mod stalls;

//! What the lab breaks, and what it looks at. Without the feature `lab` the points are nothing at all.

#[cfg(feature = "lab")]
pub(crate) mod entries;
#[cfg(feature = "lab")]
pub(crate) mod overdue;
#[cfg(feature = "lab")]
pub(crate) mod points;
#[cfg(not(feature = "lab"))]
#[path = "lab/no_points.rs"]
pub(crate) mod points;

//! What things are made of: each file paints one family of surfaces.

pub mod foliage;
pub mod ground;
pub mod roof;
pub mod stone;
pub mod thing;
pub mod water;
pub mod wood;

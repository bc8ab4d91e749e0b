//! Geometry: coordinate spaces, grids, snapping, distance rules, masks.
//!
//! Must not know: colours, Y types. Pure functions and plain values; everybody may call it.

//! Tests of the whole editor by accessibility label.

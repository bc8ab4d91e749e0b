//! Pictures that the renderer promises: golden ones for every layer and the whole stack, and what
//! must hold of any picture.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

mod editions;
mod golden;
mod promises;
mod support;

//! The traps of map files, one by one.

//! The command line: one file per subcommand.
//!
//! Machine output is JSON on stdout, everything else goes to stderr. Exit codes: 0 done, 1 failed
//! with one clear message, 2 usage. Called by `main`.

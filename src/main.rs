//! The `tableglow` binary: hands the command line to the library.

fn main() -> std::process::ExitCode {
    tableglow::cli::main()
}

//! A new capability breaks no provider: nobody lists them all.

fn nothing() -> chaos_core::Capabilities {
    chaos_core::Capabilities { lifecycle: None, shell: None, isolation: None }
}

fn main() {}

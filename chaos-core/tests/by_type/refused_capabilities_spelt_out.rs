//! A new capability breaks no provider, because no provider can list them all.

fn nothing() -> chaos_core::capability::Capabilities {
    chaos_core::capability::Capabilities { lifecycle: None, shell: None, settings: None }
}

fn main() {}

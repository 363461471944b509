use std::{env, path::Path};

/// The command line that recovers the faults in the journal at `path`.
///
/// Under cargo, it is the alias, which builds the program first; otherwise this program.
pub fn recover_command(path: &Path) -> String {
    let program = match env::current_exe() {
        Ok(program) if env::var_os("CARGO_MANIFEST_DIR").is_none() => {
            format!("{} recover", quoted(&program))
        }
        _ if cfg!(feature = "aws") => "cargo aws-recover".to_owned(),
        _ if cfg!(feature = "azure") => "cargo azure-recover".to_owned(),
        _ => "cargo recover".to_owned(),
    };
    format!("{program} --journal {}", quoted(path))
}

/// A path in a form that a POSIX shell reads back.
pub fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_path_back() {
        for (path, text) in [
            ("/tmp/chaos.journal", "/tmp/chaos.journal"),
            ("/tmp/a b", "'/tmp/a b'"),
            ("/tmp/it's $(x)", r"'/tmp/it'\''s $(x)'"),
        ] {
            assert_eq!(quoted(Path::new(path)), text);
        }
        let command = recover_command(Path::new("/tmp/x"));
        let program = match () {
            () if cfg!(feature = "aws") => "aws-recover",
            () if cfg!(feature = "azure") => "azure-recover",
            () => "recover",
        };
        assert_eq!(command, format!("cargo {program} --journal /tmp/x"));
    }
}

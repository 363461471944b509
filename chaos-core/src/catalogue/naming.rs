/// The names of arguments in errors, as the user wrote them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Naming {
    /// Fields of data: `load`.
    #[default]
    Fields,
    /// Arguments of a command line: `--load`.
    Arguments,
}

impl Naming {
    /// The name of the parameter `name` in an error.
    pub fn of(self, name: &str) -> String {
        match self {
            Self::Fields => name.to_owned(),
            Self::Arguments => format!("--{name}"),
        }
    }

    /// All of them: `--percent, --bytes or --all-but`.
    pub(super) fn any_of<'a>(self, names: impl IntoIterator<Item = &'a str>) -> String {
        let mut names: Vec<String> = names.into_iter().map(|name| self.of(name)).collect();
        match names.pop() {
            Some(last) if names.is_empty() => last,
            Some(last) => format!("{} or {last}", names.join(", ")),
            None => "none".to_owned(),
        }
    }
}

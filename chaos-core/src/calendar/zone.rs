use jiff::tz::TimeZone;

use crate::error::{Error, Result};

/// The zone with this IANA name, in any case of letters, from the data that the library carries.
///
/// # Errors
/// `InvalidInput` for a name that is none.
pub fn time_zone(name: &str) -> Result<TimeZone> {
    let invalid = || {
        Error::invalid(
            "time zone",
            format_args!("{name:?}"),
            "an IANA name such as \"Europe/London\" or \"UTC\"",
        )
    };
    match TimeZone::get(name) {
        Ok(zone) if zone.is_unknown() => Err(invalid()),
        Ok(zone) => Ok(zone),
        Err(error) => Err(invalid().caused_by(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_does_not_exist_is_named_in_the_error() {
        for name in ["Europe/Lodnon", "", "BST", "+01:00", "Etc/Unknown", "../../etc/passwd"] {
            let error = time_zone(name).unwrap_err();
            assert_eq!(error.kind(), crate::error::ErrorKind::InvalidInput);
            assert!(error.to_string().starts_with(&format!("invalid time zone: {name:?}; ")), "{error}");
        }
    }
}

use std::str::FromStr;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use chaos_core::{Error, Result};

/// One of the separate clouds of Azure, each with endpoints and identities of its own.
///
/// It is read from the names that Chaos Toolkit uses: `AZURE_PUBLIC_CLOUD`, `AZURE_US_GOV_CLOUD` and
/// `AZURE_CHINA_CLOUD`. `AZURE_GERMAN_CLOUD` was closed in October 2021, so it is refused.
///
/// ```
/// use chaos_azure::Cloud;
///
/// assert_eq!("AZURE_CHINA_CLOUD".parse::<Cloud>()?, Cloud::China);
/// assert!("AZURE_GERMAN_CLOUD".parse::<Cloud>().is_err());
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cloud {
    /// Azure's public cloud: `management.azure.com`.
    #[default]
    Public,
    /// Azure for the government of the United States: `management.usgovcloudapi.net`.
    UsGovernment,
    /// Azure in China, operated by 21Vianet: `management.chinacloudapi.cn`.
    China,
}

impl Cloud {
    /// The address of its Resource Manager, which is also the audience of tokens.
    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com",
            Self::UsGovernment => "https://management.usgovcloudapi.net",
            Self::China => "https://management.chinacloudapi.cn",
        }
    }

    /// The address of its identities, or `authority` if there is one.
    pub(crate) fn identities(self, authority: Option<&str>) -> CloudConfiguration {
        if let Some(authority) = authority {
            let mut custom = CustomConfiguration::default();
            authority.clone_into(&mut custom.authority_host);
            return custom.into();
        }
        match self {
            Self::Public => CloudConfiguration::AzurePublic,
            Self::UsGovernment => CloudConfiguration::AzureGovernment,
            Self::China => CloudConfiguration::AzureChina,
        }
    }
}

impl FromStr for Cloud {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "AZURE_PUBLIC_CLOUD" => Ok(Self::Public),
            "AZURE_US_GOV_CLOUD" => Ok(Self::UsGovernment),
            "AZURE_CHINA_CLOUD" => Ok(Self::China),
            "AZURE_GERMAN_CLOUD" => {
                let expected = "another cloud, because Microsoft closed this one in October 2021";
                Err(Error::invalid("cloud", format!("{name:?}"), expected))
            }
            _ => {
                let expected = "AZURE_PUBLIC_CLOUD, AZURE_US_GOV_CLOUD or AZURE_CHINA_CLOUD";
                Err(Error::invalid("cloud", format!("{name:?}"), expected))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cloud_is_read_from_its_name() {
        for (name, expected) in [
            ("AZURE_PUBLIC_CLOUD", Cloud::Public),
            ("AZURE_US_GOV_CLOUD", Cloud::UsGovernment),
            ("AZURE_CHINA_CLOUD", Cloud::China),
        ] {
            assert_eq!(name.parse::<Cloud>().unwrap(), expected);
        }
        for (name, words) in [("AZURE_GERMAN_CLOUD", "closed this one"), ("public", "AZURE_PUBLIC_CLOUD, ")] {
            let error = name.parse::<Cloud>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("invalid cloud: {name:?}")) && error.contains(words),
                "{error}"
            );
        }
    }
}

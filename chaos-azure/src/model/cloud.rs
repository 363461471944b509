use azure_core::cloud::{CloudConfiguration, CustomConfiguration};

/// One of the separate clouds of Azure, each with endpoints and identities of its own.
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

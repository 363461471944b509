//! The regions of an account, and the clients that reach them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use aws_config::SdkConfig;
use chaos_core::{Error, ErrorKind, Result, listing::Together};

use crate::{
    client::{error::failed, last_failure::KeepsLastFailure, retries::retries},
    model::{listed_group::ListedGroup, region_name::validate_region},
};

/// The clients of one region. Each is made when it is first needed.
#[derive(Debug)]
pub(crate) struct Region {
    name: String,
    config: SdkConfig,
    autoscaling: OnceLock<aws_sdk_autoscaling::Client>,
    ec2: OnceLock<aws_sdk_ec2::Client>,
    ssm: OnceLock<aws_sdk_ssm::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
    looks: Together<String, Option<Arc<ListedGroup>>>,
    #[cfg(feature = "fis")]
    fis: OnceLock<aws_sdk_fis::Client>,
    #[cfg(feature = "api")]
    cloudwatch: OnceLock<aws_sdk_cloudwatch::Client>,
}

/// The regions that are listed, and any other that an id names.
#[derive(Debug)]
pub(crate) struct Regions {
    config: SdkConfig,
    listed: Vec<Arc<Region>>,
    others: Mutex<BTreeMap<String, Arc<Region>>>,
}

impl Region {
    fn new(config: &SdkConfig, name: &str) -> Self {
        let config = config.to_builder().region(aws_config::Region::new(name.to_owned())).build();
        Self {
            name: name.to_owned(),
            config,
            autoscaling: OnceLock::new(),
            ec2: OnceLock::new(),
            ssm: OnceLock::new(),
            sts: OnceLock::new(),
            looks: Together::default(),
            #[cfg(feature = "fis")]
            fis: OnceLock::new(),
            #[cfg(feature = "api")]
            cloudwatch: OnceLock::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn autoscaling(&self) -> &aws_sdk_autoscaling::Client {
        self.autoscaling.get_or_init(|| {
            let config =
                aws_sdk_autoscaling::config::Builder::from(&self.config).interceptor(KeepsLastFailure);
            aws_sdk_autoscaling::Client::from_conf(
                config.retry_partition(retries("autoscaling", &self.name)).build(),
            )
        })
    }

    pub(crate) fn ec2(&self) -> &aws_sdk_ec2::Client {
        self.ec2.get_or_init(|| {
            let config = aws_sdk_ec2::config::Builder::from(&self.config).interceptor(KeepsLastFailure);
            aws_sdk_ec2::Client::from_conf(config.retry_partition(retries("ec2", &self.name)).build())
        })
    }

    pub(crate) fn ssm(&self) -> &aws_sdk_ssm::Client {
        self.ssm.get_or_init(|| {
            let config = aws_sdk_ssm::config::Builder::from(&self.config).interceptor(KeepsLastFailure);
            aws_sdk_ssm::Client::from_conf(config.retry_partition(retries("ssm", &self.name)).build())
        })
    }

    fn sts(&self) -> &aws_sdk_sts::Client {
        self.sts.get_or_init(|| {
            let config = aws_sdk_sts::config::Builder::from(&self.config).interceptor(KeepsLastFailure);
            aws_sdk_sts::Client::from_conf(config.retry_partition(retries("sts", &self.name)).build())
        })
    }

    /// Checks that the credentials belong to this account. The call needs no permission.
    ///
    /// # Errors
    /// `Denied` if they belong to another account: their answers tell nothing about this one.
    pub(crate) async fn is_of(&self, account: &str) -> Result<()> {
        let asked = self.sts().get_caller_identity().send().await;
        let identity = asked.map_err(|error| failed("sts:GetCallerIdentity", &self.name, error))?;
        match identity.account() {
            Some(own) if own == account => Ok(()),
            own => Err(foreign(account, own.unwrap_or("unknown"))),
        }
    }

    /// Looks at single groups, by their names.
    pub(crate) fn looks(&self) -> &Together<String, Option<Arc<ListedGroup>>> {
        &self.looks
    }

    #[cfg(feature = "fis")]
    pub(crate) fn fis(&self) -> &aws_sdk_fis::Client {
        self.fis.get_or_init(|| {
            let config = aws_sdk_fis::config::Builder::from(&self.config).interceptor(KeepsLastFailure);
            aws_sdk_fis::Client::from_conf(config.retry_partition(retries("fis", &self.name)).build())
        })
    }

    #[cfg(feature = "api")]
    pub(crate) fn cloudwatch(&self) -> &aws_sdk_cloudwatch::Client {
        self.cloudwatch.get_or_init(|| {
            let config =
                aws_sdk_cloudwatch::config::Builder::from(&self.config).interceptor(KeepsLastFailure);
            aws_sdk_cloudwatch::Client::from_conf(
                config.retry_partition(retries("cloudwatch", &self.name)).build(),
            )
        })
    }
}

impl Regions {
    /// `names` must have passed [`validate_region`].
    pub(crate) fn new(config: SdkConfig, names: &[String]) -> Self {
        let listed = names.iter().map(|name| Arc::new(Region::new(&config, name))).collect();
        Self { config, listed, others: Mutex::default() }
    }

    pub(crate) fn listed(&self) -> &[Arc<Region>] {
        &self.listed
    }

    /// The region with this name, even if it is not listed, because a journal may hold faults from anywhere.
    pub(crate) fn find(&self, name: &str) -> Result<Arc<Region>> {
        if let Some(region) = self.listed.iter().find(|region| region.name == name) {
            return Ok(Arc::clone(region));
        }
        validate_region(name)?;
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let region =
            others.entry(name.to_owned()).or_insert_with(|| Arc::new(Region::new(&self.config, name)));
        Ok(Arc::clone(region))
    }
}

/// The requested resource belongs to `account`, but the credentials belong to `own`.
pub(crate) fn foreign(account: &str, own: &str) -> Error {
    let what = "these credentials belong to another account; use those with which the target was found";
    Error::new(ErrorKind::Denied, what).with("account", account).with("credentials_of", own)
}

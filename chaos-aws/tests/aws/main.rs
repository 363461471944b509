//! The provider against a stand-in for AWS: moto's server, with a record of the calls, trouble on request, and scripts that run.

mod cloud;
mod contract;
mod discovery;
mod events;
mod isolation;
mod scripts;
mod trouble;

//! `chaos run` as people run it: killed, interrupted, with secrets, and with files that mean harm.

mod hostile;
mod interrupted;
mod killed;
mod moments;
mod place;
mod run_again;
mod scaled_up;
mod secrets;

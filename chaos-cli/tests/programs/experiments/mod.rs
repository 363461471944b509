//! `chaos run` as people run it: killed, interrupted, with secrets, in Python, and with files that mean harm.

mod hostile;
mod interrupted;
mod killed;
mod moments;
mod place;
mod python;
mod run_again;
mod scaled_up;
mod secrets;

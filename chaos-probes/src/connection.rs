use std::{io, net::SocketAddr};

use tokio::net::{TcpStream, lookup_host};

use crate::trouble::{Trouble, local_trouble};

/// Opens a new connection to the first address of a host that accepts one.
pub(crate) async fn connect(host: &str, port: u16) -> Result<TcpStream, Trouble> {
    let addresses = match lookup_host((host, port)).await {
        Ok(addresses) => addresses,
        Err(error) => return Err(failed(error, |error| format!("{host:?} cannot be resolved: {error}"))),
    };
    let mut refused = None;
    let mut no_such_network = None;
    for address in addresses {
        match TcpStream::connect(address).await.and_then(|stream| to_another(stream, address)) {
            Ok(Some(stream)) => return Ok(stream),
            Ok(None) => refused = Some(Trouble::NoAnswer(format!("nothing listens on {address}"))),
            Err(error) => {
                let is_address = error.kind() == io::ErrorKind::AddrNotAvailable;
                match failed(error, |error| format!("no connection to {address}: {error}")) {
                    // As a machine without IPv6 says of ::1. Another address may be the right one.
                    doubt @ Trouble::Doubt(_) if is_address && address.is_ipv6() => {
                        no_such_network = Some(doubt);
                    }
                    doubt @ Trouble::Doubt(_) => return Err(doubt),
                    no_answer @ Trouble::NoAnswer(_) => refused = Some(no_answer),
                }
            }
        }
    }
    let why = refused.or(no_such_network);
    Err(why.unwrap_or_else(|| Trouble::NoAnswer(format!("{host:?} has no address"))))
}

/// A failure of the connection: this machine's own is a doubt.
pub(crate) fn failed(error: io::Error, why: impl FnOnce(io::Error) -> String) -> Trouble {
    local_trouble(&error).map_or_else(|| Trouble::NoAnswer(why(error)), Trouble::Doubt)
}

/// If nothing listens, TCP may connect a socket to itself: the kernel may pick the requested port as the local one.
fn to_another(stream: TcpStream, address: SocketAddr) -> io::Result<Option<TcpStream>> {
    Ok((stream.local_addr()? != address).then_some(stream))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpSocket;

    use super::*;

    #[tokio::test]
    async fn a_connection_to_itself_is_nobody() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let stream = socket.connect(address).await.unwrap();
        assert!(to_another(stream, address).unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn local_trouble_is_a_doubt_and_a_refusal_is_no_answer() {
        use rustix::io::Errno;

        let told = |errno: Errno| failed(errno.into(), |error| error.to_string());
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::ADDRNOTAVAIL] {
            assert!(matches!(told(errno), Trouble::Doubt(_)), "{errno}");
        }
        for errno in [Errno::CONNREFUSED, Errno::CONNRESET, Errno::HOSTUNREACH, Errno::TIMEDOUT] {
            assert!(matches!(told(errno), Trouble::NoAnswer(_)), "{errno}");
        }
    }
}

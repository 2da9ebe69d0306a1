//! A client that is told what to send and when, on a connection that it keeps.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    /// Whether the server says that it is the last.
    pub is_last: bool,
    pub body: Vec<u8>,
}

impl Client {
    pub fn connect(addr: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { stream, unread: Vec::new() })
    }

    /// Sends a GET so many times, without waiting.
    pub fn ask(&mut self, path: &str, times: usize) -> io::Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        self.stream.write_all(request.repeat(times).as_bytes())
    }

    /// The next answer; an error when the connection ends before it is whole.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let end = loop {
            match self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => self.read_more()?,
            }
        };
        let head = String::from_utf8_lossy(&self.unread[..end]).to_ascii_lowercase();
        let header = |name| head.lines().find_map(|line| line.strip_prefix(name));
        let length: usize = header("content-length: ").unwrap().parse().unwrap();
        while self.unread.len() < end + length {
            self.read_more()?;
        }
        let status = head[9..12].parse().unwrap();
        let is_last = header("connection: ") == Some("close");
        let body = self.unread[end..end + length].to_vec();
        self.unread.drain(..end + length);
        Ok(Answer { status, is_last, body })
    }

    fn read_more(&mut self) -> io::Result<()> {
        let mut chunk = [0; 64 * 1024];
        match self.stream.read(&mut chunk)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.unread.extend(&chunk[..read]);
                Ok(())
            }
        }
    }
}

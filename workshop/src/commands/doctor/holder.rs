//! Who listens on a port: named where the system tells without help, else the command that tells.

/// The command that shows who listens on a port.
pub(crate) fn command(port: u16) -> String {
    if cfg!(windows) {
        format!("netstat -ano | findstr :{port}")
    } else if cfg!(target_os = "macos") {
        format!("lsof -nP -iTCP:{port} -sTCP:LISTEN")
    } else {
        format!("ss -ltnp 'sport = :{port}'")
    }
}

/// The program that listens on a port, and its process id.
#[cfg(target_os = "linux")]
pub(crate) fn of(port: u16) -> Option<String> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| listening_sockets(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    processes.map(|process| process.path()).find_map(|process| {
        // Only one's own processes can be looked into.
        let mut files = std::fs::read_dir(process.join("fd")).ok()?.flatten();
        let listens = files.any(|file| {
            std::fs::read_link(file.path())
                .is_ok_and(|link| sockets.iter().any(|socket| link.as_os_str() == socket.as_str()))
        });
        let id = process.file_name()?.to_str()?.to_owned();
        let name = std::fs::read_to_string(process.join("comm")).ok()?;
        listens.then(|| format!("{} (process {id})", name.trim()))
    })
}

/// The program that listens on a port: this system tells only with the help of a command.
#[cfg(not(target_os = "linux"))]
pub(crate) fn of(_port: u16) -> Option<String> {
    None
}

/// The inodes of the sockets that listen on a port, from a table such as /proc/net/tcp.
#[cfg(target_os = "linux")]
fn listening_sockets(table: &str, port: u16) -> Vec<String> {
    const LISTENING: &str = "0A";
    let ending = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let listens = columns.get(1)?.ends_with(&ending) && *columns.get(3)? == LISTENING;
            listens.then(|| columns.get(9).map(|inode| (*inode).to_owned()))?
        })
        .collect()
}

"""An sshd of our own: its own keys and configuration, a port that is free; nothing of the system's is touched."""

import os
import pathlib
import shutil
import subprocess

import trial


def find():
    """The path of sshd; skips the trial where there is none."""
    found = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not found or not shutil.which("ssh"):
        trial.skip("needs sshd and ssh (Debian: openssh-server, openssh-client)")
    if os.geteuid() == 0:
        # sshd wants it when it runs as root; the system's own service makes it too.
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    return found


def key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return pathlib.Path(f"{path}.pub").read_text().strip()


class Server:
    def __init__(self, a_trial, sshd, name, user_key, address="127.0.0.1", prefix=(), environment=()):
        """- prefix: a command that starts it somewhere else, such as in a network namespace."""
        self.trial, self.name, self.address = a_trial, name, address
        self.folder = a_trial.folder / f"sshd-{name}"
        self.folder.mkdir()
        self.home = self.folder / "home"
        self.home.mkdir()
        self.port = trial.free_port()
        self.host_key = key(self.folder / "host_key")
        authorized = self.folder / "authorized_keys"
        authorized.write_text(user_key + "\n")
        variables = [f"SELMIX_TRIAL={a_trial.folder.name}", f"HOME={self.home}", *environment]
        configuration = self.folder / "sshd_config"
        configuration.write_text(
            "\n".join([
                f"Port {self.port}", f"ListenAddress {address}", f"HostKey {self.folder}/host_key", "PidFile none",
                f"AuthorizedKeysFile {authorized}", "StrictModes no", "UsePAM no", "PasswordAuthentication no",
                "KbdInteractiveAuthentication no", "PrintMotd no", "LogLevel ERROR", "SetEnv " + " ".join(variables),
            ]) + "\n")
        self.process = subprocess.Popen(
            [*prefix, sshd, "-D", "-e", "-f", str(configuration)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=open(self.folder / "log", "w"))
        a_trial.started.append(self.process)

    def stanza(self, user_key_file, known_hosts):
        return "\n".join([
            f"Host {self.name}", f"  HostName {self.address}", f"  Port {self.port}", f"  HostKeyAlias {self.name}",
            f"  IdentityFile {user_key_file}", "  IdentitiesOnly yes", f"  UserKnownHostsFile {known_hosts}",
            "  GlobalKnownHostsFile /dev/null", "  StrictHostKeyChecking yes", "",
        ])

    def sessions(self):
        """Processes that serve logins."""
        listing = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True).stdout
        return [line.strip() for line in listing.splitlines()]


def wait_for(servers, config):
    for server in servers:
        def answers(server=server):
            trial.expect(server.process.poll() is None, f"sshd of {server.name} ended: {(server.folder / 'log').read_text()}")
            return subprocess.run(
                ["ssh", "-F", str(config), "-o", "BatchMode=yes", server.name, "true"], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

        trial.eventually(f"sshd of {server.name}", answers)

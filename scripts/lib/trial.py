"""What the trials of a launch share: a temporary directory, runs of selmix in it, and a listing of what is left running."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
JOB = ROOT / "cluster" / "digits-lt" / "min-recall.yaml"
# Of the last weights of that job, however it is run.
DIGEST = "a482f1b4122f78df"
PATIENCE = 180


class Failure(Exception):
    pass


def skip(why):
    print(f"skipped: {why}")
    sys.exit(0)


def expect(truth, what):
    if not truth:
        raise Failure(what)


def eventually(what, condition):
    """Waits for a condition, generously; nothing depends on how long something takes."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        expect(time.monotonic() < deadline, f"waited in vain for {what}")
        time.sleep(0.05)
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Trial:
    """A temporary directory, and everything that is started in it. Its processes carry its name in their environment, by
    which they are found, whoever started them."""

    def __init__(self, name, program=None):
        # So that what was started ends with the trial also when that is told to stop.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"selmix-{name}-"))
        self.mark = f"SELMIX_TRIAL={self.folder.name}"
        self.program = program or os.environ.get("SELMIX") or self.built()
        self.environment = dict(os.environ, SELMIX_TRIAL=self.folder.name)
        self.started = []
        self.failed = []

    @staticmethod
    def built():
        for kind in ("release", "debug"):
            found = ROOT / ".build" / kind / "selmix"
            if found.exists():
                return str(found.resolve())
        sys.exit("error: selmix is not built\nhint: run `swift build` first, or set SELMIX to its path")

    @contextlib.contextmanager
    def case(self, title):
        begun = time.monotonic()
        try:
            yield
            print(f"ok      {title} ({time.monotonic() - begun:.1f} s)", flush=True)
        except Failure as failure:
            self.failed.append(title)
            print(f"FAILED  {title}: {failure}", flush=True)

    def finish(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
        if self.failed:
            sys.exit(f"error: {len(self.failed)} failed; files are in {self.folder}")
        shutil.rmtree(self.folder, ignore_errors=True)

    # Runs

    def output(self, name):
        return self.folder / name

    def launch(self, name, *words, settings=(), job=JOB):
        """Starts a launch of a job, the digits by default; its standard error goes to a file."""
        command = [self.program, "launch", str(job), "--set", f"output={self.output(name)}", *words]
        for setting in settings:
            command += ["--set", setting]
        return self.start(name, command)

    def start(self, name, command):
        with open(self.folder / f"{name}.err", "w") as errors, open(self.folder / f"{name}.out", "w") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=self.environment,
                start_new_session=True)
        self.started.append(process)
        return process

    def text(self, name):
        return (self.folder / f"{name}.err").read_text(errors="replace")

    def wait(self, process, name, status=0):
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure(f"{name} did not end: {self.text(name)[-2000:]}") from None
        expect(process.returncode == status, f"{name} ended with {process.returncode}, not {status}: {self.text(name)}")

    def digest(self, name):
        return json.loads((self.output(name) / "report.json").read_text())["weightsDigest"]

    def events(self, name, kind):
        try:
            lines = (self.output(name) / "events.jsonl").read_text().splitlines()
        except OSError:
            return []
        mark = f'"event":"{kind}"'
        found = []
        for line in lines:
            if mark in line:
                with contextlib.suppress(ValueError):
                    found.append(json.loads(line))
        return found

    def until_step(self, name, process, step):
        def taken():
            expect(process.poll() is None, f"{name} ended early: {self.text(name)}")
            return any(event["step"] >= step for event in self.events(name, "step"))

        eventually(f"step {step} of {name}", taken)

    def refused(self, name, words, status, *texts):
        """A launch that ends by itself with this status, says all of this, and leaves nothing."""
        process = self.launch(name, *words)
        self.wait(process, name, status)
        said = self.text(name)
        for text in texts:
            expect(text in said, f"`{text}` is not in: {said}")
        expect("error: " in said, said)
        self.nothing_runs(name)

    # Processes

    def processes(self, pattern="."):
        """Those of this trial, as (process id, command line)."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                if self.mark.encode() not in (entry / "environ").read_bytes().split(b"\0"):
                    continue
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                if command and re.search(pattern, command):
                    found.append((int(entry.name), command))
        return sorted(found)

    def workers(self):
        return self.processes(r"^\S*selmix worker ")

    def agents(self):
        return self.processes(r"^\S*selmix agent ")

    def nothing_runs(self, after):
        """Waits until no process of the trial is left on any host, and shows the listing."""
        deadline = time.monotonic() + PATIENCE
        while left := self.processes():
            expect(
                time.monotonic() < deadline,
                f"left after {after}: " + "; ".join(f"{pid} {command[:90]}" for pid, command in left))
            time.sleep(0.1)
        print(f"        processes left after {after}: none", flush=True)

    def kill(self, processes, number=signal.SIGKILL):
        for pid, _ in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

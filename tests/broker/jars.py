"""Where the broker's jars are: fetched once by Maven into `.cache/kafka`, which git ignores."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")
CACHE = Path(__file__).parents[2] / ".cache" / "kafka"


class BrokerUnavailableError(Exception):
    """This machine cannot run the real broker; the text says what is missing."""


def missing_tools() -> list[str]:
    """
    Programs that the real broker needs and that are not on the PATH.

    Returns:
        Empty when everything is there; Maven counts only while the jars have not been fetched.
    """
    needed = ["java"] if _libs().is_dir() else ["java", "mvn"]
    return [tool for tool in needed if shutil.which(tool) is None]


def fetch() -> Path:
    """
    Give the folder with the broker's jars, after fetching them if this is the first time.

    Raises:
        BrokerUnavailableError: Java or Maven is missing, or Maven could not fetch.
    """
    if missing := missing_tools():
        raise BrokerUnavailableError(f"the real Kafka broker needs {' and '.join(missing)} on the PATH")
    libs = _libs()
    if libs.is_dir():
        return libs
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not libs.is_dir():
            _copy_dependencies(libs)
    return libs


def _libs() -> Path:
    version = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    return CACHE / version


def _copy_dependencies(libs: Path) -> None:
    partial = libs.with_suffix(f".{os.getpid()}")
    command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0 or not any(partial.glob("kafka_*.jar")):
        shutil.rmtree(partial, ignore_errors=True)
        raise BrokerUnavailableError(f"Maven could not fetch the broker's jars:\n{done.stdout}{done.stderr}")
    partial.rename(libs)

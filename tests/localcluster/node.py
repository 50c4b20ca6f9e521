"""containerd, kubelet, kube-proxy and cluster DNS: the programs that make the namespaces a node."""

import json
from pathlib import Path
from typing import Any

from tests.localcluster import binary, cgroups, debian, dns, images
from tests.localcluster.containers import Containers
from tests.localcluster.controlplane import ControlPlane
from tests.localcluster.namespaces import BRIDGE, NODE_ADDRESS, POD_RANGE, Namespaces
from tests.localcluster.processes import Processes
from tests.localcluster.runs import Run

NAME = "local"

_CONTAINERD = """\
version = 2
root = "{store}"
state = "/run/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  # Without CAP_SYS_RESOURCE no process may be made less likely to be killed than its parent.
  restrict_oom_score_adj = true
  # Its profile would be loaded into the machine's kernel, and stay there.
  disable_apparmor = true
  sandbox_image = "{pause}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{cni}"
"""


class Node:
    """The node of the cluster ``run``, in ``namespaces``, beside ``control_plane``."""

    def __init__(self, run: Run, processes: Processes, namespaces: Namespaces, control_plane: ControlPlane) -> None:
        self._run = run
        self._folder = run.folder
        self._processes = processes
        self._namespaces = namespaces
        self._control_plane = control_plane
        self._program = binary.require()
        self.containers = Containers(run.folder / "containerd.sock")

    def start_containers(self) -> None:
        """Start containerd, and return when it answers and knows no container of an earlier cluster."""
        self._start_containerd()
        if self.containers.remove_leftovers():
            # It read them when it started, and would go on to believe in them.
            self._processes.restart("containerd")
            self._await_containerd()
        self.containers.provide(images.pause())

    def start(self) -> None:
        """Start the rest, with containerd and the control plane there; returns when the node is Ready."""
        self._start_kubelet()
        self._start_proxy()
        self._start_dns()
        self._processes.wait_until("the node is Ready", self._is_ready, seconds=180)

    def _start(self, name: str, *arguments: str) -> None:
        command = [*self._namespaces.within, str(self._program), name, *arguments]
        self._processes.start(name, command, {"PATH": debian.search_path()})

    def _start_containerd(self) -> None:
        networks = self._folder / "cni"
        networks.mkdir()
        self._write("cni/10-bridge.conflist", _network())
        settings = self._folder / "containerd.toml"
        socket = self._folder / "containerd.sock"
        settings.write_text(
            _CONTAINERD.format(store=self._run.store, socket=socket, pause=images.pause().name, cni=networks)
        )
        command = [*self._namespaces.within, str(debian.program("containerd")), "--config", str(settings)]
        self._processes.start("containerd", command, {"PATH": debian.search_path()})
        self._await_containerd()

    def _await_containerd(self) -> None:
        self._processes.wait_until("containerd answers", self.containers.answers, seconds=60)

    def _start_kubelet(self) -> None:
        cgroups.make(self._run.cgroup)
        user = "kubelet"
        credentials = self._control_plane.credentials(user, f"system:node:{NAME}", ("system:nodes",))
        self._start(
            "kubelet",
            f"--config={self._write('kubelet.json', self._kubelet_settings())}",
            f"--kubeconfig={credentials}",
            f"--hostname-override={NAME}",
            f"--node-ip={NODE_ADDRESS}",
        )

    def _kubelet_settings(self) -> dict[str, Any]:
        serving = self._control_plane.authority.issue("kubelet-serving", "kubelet", addresses=(NODE_ADDRESS,))
        resolver = self._folder / "resolv.conf"
        resolver.write_text(f"nameserver {dns.SERVICE}\n")
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": NODE_ADDRESS,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(self._control_plane.authority.certificate)},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(serving.certificate),
            "tlsPrivateKeyFile": str(serving.key),
            "containerRuntimeEndpoint": f"unix://{self._folder}/containerd.sock",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self._run.cgroup}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "clusterDNS": [dns.SERVICE],
            "clusterDomain": "cluster.local",
            "resolvConf": str(resolver),
            "healthzPort": 0,
            # A changed ConfigMap is written into its pods at their next sync: that is what makes a retune quick.
            "configMapAndSecretChangeDetectionStrategy": "Watch",
            "syncFrequency": "1s",
            # Images cannot be pulled again, and a developer's disk is often fuller than a server's.
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "serializeImagePulls": False,
        }

    def _start_proxy(self) -> None:
        settings = {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "clientConnection": {"kubeconfig": str(self._control_plane.credentials("proxy", "system:kube-proxy"))},
            "hostnameOverride": NAME,
            "mode": "iptables",
            "clusterCIDR": POD_RANGE,
            # Pods of one bridge answer each other directly, past the rules that must translate the answer back.
            "iptables": {"masqueradeAll": True, "minSyncPeriod": "100ms"},
            "nodePortAddresses": [f"{NODE_ADDRESS}/32"],
            "healthzBindAddress": f"{NODE_ADDRESS}:10256",
            "metricsBindAddress": f"{NODE_ADDRESS}:10249",
            # Settings of the whole machine that are not the node's to change.
            "conntrack": {"maxPerCore": 0, "min": 0},
        }
        self._start("kube-proxy", f"--config={self._write('proxy.json', settings)}")

    def _start_dns(self) -> None:
        dns.publish(self._control_plane)
        credentials = self._control_plane.credentials("dns", dns.USER)
        settings = self._folder / "Corefile"
        settings.write_text(dns.settings(credentials))
        self._start("coredns", "-conf", str(settings))

    def _is_ready(self) -> bool:
        answer = self._control_plane.get(f"/api/v1/nodes/{NAME}")
        conditions = json.loads(answer)["status"].get("conditions", []) if answer else []
        return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

    def _write(self, name: str, content: dict[str, Any]) -> Path:
        target = self._folder / name
        target.write_text(json.dumps(content, indent=2))
        return target


def _network() -> dict[str, Any]:
    addresses = {"type": "host-local", "ranges": [[{"subnet": POD_RANGE}]], "routes": [{"dst": "0.0.0.0/0"}]}
    bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "hairpinMode": True, "ipam": addresses}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge]}

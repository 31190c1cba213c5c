"""Which interfaces a CNI plugin, a service proxy or the kernel made, so that their networks are not the node's own."""

from __future__ import annotations

import re
from functools import lru_cache

_CNI_DEVICES = re.compile(
    r"^(lo|cni\d+|cbr\d+|flannel.*|cali.*|tunl\d+|vxlan.*|wireguard\.cali|cilium.*|lxc.*|veth.*|weave|vethwe.*|datapath"
    r"|kube-.*|nodelocaldns|antrea.*|genev_sys.*|vxlan_sys.*|ovn.*|ovs.*|br-int|br0|eni[0-9a-f]{8,}|dummy.*|docker\d+|br-[0-9a-f]{12}"
    r"|virbr.*|azv.*|gke.*|nerdctl.*|podman.*)$"
)
POD_BRIDGES = re.compile(r"^(cni\d+|cbr\d+|kube-bridge|weave|crio\d*|cni-podman\d*)$")


@lru_cache(maxsize=4096)
def made_by_cni(dev: str | None) -> bool:
    """Whether an interface name is one that a CNI plugin, a service proxy or a container runtime gives."""
    return dev is not None and _CNI_DEVICES.match(dev) is not None

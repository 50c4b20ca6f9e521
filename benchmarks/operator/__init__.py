"""`make bench-operator`: what the operator costs, and how fast it is, on a real API server.

`cells.py` lists what is measured. The API server, etcd and the controllers are Kubernetes' own; only the kubelet is
played (`kubelet.py`), where pods are to become ready.
"""

"""What running sessions use, whatever the engine: read from the kernel, a few small files for each.

groups.py     control groups, where a session has them: CPU time, memory, disk
processes.py  sums over a session's processes, where it has none: one walk of /proc for all sessions
reading.py    the two joined, with the network of its own
nvidia.py     what NVIDIA's GPUs do, by nvidia-smi(1)
"""

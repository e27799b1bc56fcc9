"""The lab's supervisor: owns the processes of a lab, starts them in order, restarts what dies, stops them cleanly.

In service a unit of systemd or a container a process does this; the processes are the same.
"""

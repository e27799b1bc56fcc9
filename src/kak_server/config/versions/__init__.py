"""The organisation's part of the configuration as numbered versions of single objects: rooms, queues, people, areas.

What belongs to a machine (listeners, ports, folders, trunks and their secrets) stays in its file.
"""

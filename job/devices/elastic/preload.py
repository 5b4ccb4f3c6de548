"""Imported first by the process from which all ranks are forked.

It holds back the signals that ask for an end, so that it does not die of one that reached the whole
group, and so that a rank which has just been forked hears its own as soon as it listens.
"""

import signal

from job.devices.elastic.place import STOPS

signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)

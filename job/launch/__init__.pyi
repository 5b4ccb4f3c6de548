from .settings import LaunchSettings as LaunchSettings
from .target import TARGETS as TARGETS

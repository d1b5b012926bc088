"""Writing a file whole or not at all, as `nn.files` does it."""

from nn.files import check_folder, write_whole

__all__ = ["check_folder", "write_whole"]

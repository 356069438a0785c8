"""``python -m controller`` is ``pwsync``."""

from controller.cli.main import main

if __name__ == "__main__":
    main()

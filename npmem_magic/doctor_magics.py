"""The magic of the machine: ``%memdoctor``."""

# mypy: disable-error-code="untyped-decorator, no-untyped-call"
# IPython's argument decorators carry no types.

from __future__ import annotations

import json
from typing import Any

from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from .door import in_terminal, variable_name


@magics_class
class DoctorMagics(Magics):
    """The magic that looks at the machine."""

    shell: Any

    @line_magic
    @magic_arguments()
    @argument("-o", "--output", metavar="NAME", type=variable_name, help="Bind what was found to NAME.")
    @argument("--json", action="store_true", help="Print everything as JSON instead of the report.")
    @argument(
        "--trim",
        action="store_true",
        help="Have the C library give back what it can (malloc_trim(0), harmless), and say how much it was.",
    )
    def memdoctor(self, line: str) -> None:
        """Look at the machine, NumPy and what measures here, and name the traps, each with what to do about it."""
        from . import doctor  # with the first use, like the reports
        from .render import checkup as page
        from .render import sheets

        chosen = parse_argstring(self.memdoctor, line)
        checkup = doctor.examine(self.shell.user_ns, chosen.trim)
        if chosen.output is not None:
            self.shell.user_ns[chosen.output] = checkup
        if chosen.json:
            print(json.dumps(checkup.to_document(), indent=1))
        elif in_terminal(self.shell):
            print(sheets.text(page.describe(checkup)))
        else:
            data, metadata = sheets.bundle(page.describe(checkup))
            self.shell.display_pub.publish(data=data, metadata=metadata)

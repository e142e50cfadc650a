"""The one thing pyproject.toml cannot say: the native ledger is compiled if a C compiler is there, else left out."""

import os

import numpy as np
from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "npmem_magic.record._ledger",
            sources=["npmem_magic/record/_ledger.c"],
            depends=["npmem_magic/record/_objects.h"],
            include_dirs=[np.get_include()],
            extra_compile_args=[] if os.name == "nt" else ["-std=c11", "-Wall", "-Wextra"],
            optional=True,
        )
    ]
)

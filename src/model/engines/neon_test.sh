#!/bin/bash
# Builds the forest engine for 64-bit Arm, whose vectors are NEON, and runs its check under emulation.
set -euo pipefail
source_dir=${SW_SOURCE_DIR:?}
mkdir -p fmt_only && ln -sfn /usr/include/fmt fmt_only/fmt  # its headers are the same for every processor
engines=$source_dir/src/model/engines
aarch64-linux-gnu-g++ -std=c++23 -O2 -ffp-contract=off -static -DFMT_HEADER_ONLY -I"$source_dir/src" -idirafter fmt_only \
  "$engines"/{neon_test,cpu,feature_ranker,forest_sums,ranks,row_table,slice_baseline,slice_program,walk}.cc \
  "$source_dir"/src/model/reference.cc "$source_dir"/src/base/{check,random}.cc -o neon_test
qemu-aarch64-static ./neon_test

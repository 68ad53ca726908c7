#!/bin/bash
# Builds the forest engine for 64-bit Arm, whose vectors are NEON, and runs its check under emulation.
# usage: neon_test.sh CHECK.cc, a path from src/model
set -euo pipefail
source_dir=${SW_SOURCE_DIR:?}
mkdir -p fmt_only && ln -sfn /usr/include/fmt fmt_only/fmt  # its headers are the same for every processor
engines=$source_dir/src/model/engines
aarch64-linux-gnu-g++ -std=c++23 -O2 -ffp-contract=off -static -DFMT_HEADER_ONLY -I"$source_dir/src" -idirafter fmt_only \
  "$source_dir/src/model/$1" "$engines"/{cpu,feature_ranker,forest_sums,leaf_order,ranks,row_table,slice_baseline,slice_program,treelets,walk}.cc \
  "$source_dir"/src/model/reference.cc "$source_dir"/src/base/{check,random}.cc -o neon_test
qemu-aarch64-static ./neon_test

# Apache Arrow from the pyarrow wheel: it holds the headers and the libraries, the latter with
# their version in the name, and no CMake files. Use sw::arrow (arrow and parquet), and
# sw::arrow_compute where compute kernels are called.
set(SW_ARROW_ABI 2600)

function(sw_arrow_library name file)
  add_library(sw_import_${name} SHARED IMPORTED GLOBAL)
  set_target_properties(sw_import_${name} PROPERTIES
    IMPORTED_LOCATION "${SW_SITE}/pyarrow/lib${file}.so.${SW_ARROW_ABI}"
    INTERFACE_INCLUDE_DIRECTORIES "${SW_SITE}/pyarrow/include"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${SW_SITE}/pyarrow/include")
endfunction()

sw_arrow_library(arrow arrow)
sw_arrow_library(parquet parquet)
sw_arrow_library(arrow_compute arrow_compute)
set_target_properties(sw_import_parquet PROPERTIES INTERFACE_LINK_LIBRARIES sw_import_arrow)
set_target_properties(sw_import_arrow_compute PROPERTIES INTERFACE_LINK_LIBRARIES sw_import_arrow)

add_library(sw_lib_arrow INTERFACE)
target_link_libraries(sw_lib_arrow INTERFACE sw_import_parquet sw_import_arrow)
add_library(sw::arrow ALIAS sw_lib_arrow)
add_library(sw_lib_arrow_compute INTERFACE)
target_link_libraries(sw_lib_arrow_compute INTERFACE sw_import_arrow_compute sw_lib_arrow)
add_library(sw::arrow_compute ALIAS sw_lib_arrow_compute)

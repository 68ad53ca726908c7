#include "cli/command_line.h"

int main(int argc, char** argv) { return sw::cli::RunCommandLine(argc, argv); }

// The child process that LightGBM runs in: reads one job, trains, writes the model.
//
//   if (command == "train-worker") return train::TrainWorkerMain(STDIN_FILENO, STDOUT_FILENO);
//
// The hidden command `seaworthy train-worker` is this and nothing else. One owner.
#pragma once

namespace sw::train {

// Reads a job up to the end of `in_fd`, loads the library, trains, and writes the answer to
// `out_fd`; progress and errors go to standard error. Returns the exit code: 0 done, 1 refused.
int TrainWorkerMain(int in_fd, int out_fd);

}  // namespace sw::train

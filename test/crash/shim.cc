// libcrash_shim.so: stands between a program and the disk (LD_PRELOAD), for the crash tests.
//
// It records every change and every sync below one folder, in the order in which they took effect,
// so that crash_model.py can build what a crash may leave; it can make the disk refuse, and it can
// kill the process at a chosen point. Syncs are recorded, not done: nothing here needs the real disk.
//
//   CRASH_SHIM_ROOT=/x/data    the folder; without it the shim only skips syncs
//   CRASH_SHIM_TRACE=/x/trace  the record: "<op> <handle> <a> <b> <bytes>\n" and that many bytes each
//   CRASH_SHIM_REFUSE="ws ENOSPC 40 3"  from the 40th operation of kind w (write), s (sync) or
//                                       n (name) on, three fail so; a first write is cut in half
//   CRASH_SHIM_KILL="n 17 3"   SIGKILL after the 17th operation of these kinds, counted from the third
//                              note "phase ..." on (0: from the start); kind b: before a sync
//
// Writes to standard output are in the record too, as notes: what a program says it has done stands
// between the operations that came before and those that came after. Thread-safe: one lock, held
// while an operation is done and recorded.
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kFdsMax = 4096;

struct Open {
  long handle = 0;  // 0: not below the root
  dev_t device = 0;
  ino_t inode = 0;
  bool synced_writes = false;
};

struct Refusal {
  std::string kinds;
  int error = 0;
  long from = 0;
  long count = 0;
};

struct Shim {
  std::string root;
  int trace = -1;
  long handles = 0;
  long seen = 0;  // operations of the refusal's kinds
  long done = 0;  // operations of the kill's kinds
  Refusal refuse;
  std::string kill_kinds;
  long kill_at = 0;
  long kill_phase = 0;
  long phases = 0;  // notes of that sort
  Open open[kFdsMax];
  Shim();
};

Shim& Get() {
  static Shim* const shim = new Shim;  // never destroyed: files are closed after main() ends
  return *shim;
}

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

struct Locked {
  Locked() { pthread_mutex_lock(&mutex); }
  ~Locked() { pthread_mutex_unlock(&mutex); }
};

[[noreturn]] void Die(const char* why) {
  syscall(SYS_write, 2, why, strlen(why));
  abort();
}

int ErrorNamed(std::string_view name) {
  if (name == "ENOSPC") return ENOSPC;
  if (name == "EIO") return EIO;
  Die("crash shim: CRASH_SHIM_REFUSE knows ENOSPC and EIO\n");
}

Shim::Shim() {
  const char* folder = getenv("CRASH_SHIM_ROOT");
  if (folder == nullptr) return;
  root = folder;
  const char* path = getenv("CRASH_SHIM_TRACE");
  if (path == nullptr) Die("crash shim: CRASH_SHIM_TRACE is not set\n");
  trace = static_cast<int>(
      syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (trace < 0) Die("crash shim: the trace cannot be opened\n");
  char kinds[8];
  char error[16];
  if (const char* text = getenv("CRASH_SHIM_REFUSE")) {
    if (sscanf(text, "%7s %15s %ld %ld", kinds, error, &refuse.from, &refuse.count) != 4) {
      Die("crash shim: CRASH_SHIM_REFUSE is \"<kinds> <errno> <from> <count>\"\n");
    }
    refuse.kinds = kinds;
    refuse.error = ErrorNamed(error);
  }
  if (const char* text = getenv("CRASH_SHIM_KILL")) {
    if (sscanf(text, "%7s %ld %ld", kinds, &kill_at, &kill_phase) != 3) {
      Die("crash shim: CRASH_SHIM_KILL is \"<kinds> <n> <phase>\"\n");
    }
    kill_kinds = kinds;
  }
}

// ---- recording: each function below needs the lock ----

void Record(const char* op, long handle, long a, long b, std::string_view bytes) {
  char head[128];
  const int size = snprintf(head, sizeof(head), "%s %ld %ld %ld %zu\n", op, handle, a, b, bytes.size());
  std::string record(head, static_cast<std::size_t>(size));
  record.append(bytes);
  std::string_view rest = record;
  while (!rest.empty()) {
    const long wrote = syscall(SYS_write, Get().trace, rest.data(), rest.size());
    if (wrote < 0) Die("crash shim: the trace cannot be written\n");
    rest.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

// Counts an operation; does not return when the process dies at it.
void Reached(char kind) {
  Shim& shim = Get();
  if (shim.kill_kinds.find(kind) == std::string::npos || shim.phases < shim.kill_phase) return;
  if (++shim.done != shim.kill_at) return;
  syscall(SYS_kill, getpid(), SIGKILL);
  while (true) pause();
}

// Whether the disk refuses the next operation of this kind; sets errno. `first`: nothing did before.
bool Refused(char kind, bool* first = nullptr) {
  Shim& shim = Get();
  if (shim.refuse.kinds.find(kind) == std::string::npos) return false;
  const long number = ++shim.seen;
  if (number < shim.refuse.from || number >= shim.refuse.from + shim.refuse.count) return false;
  if (first != nullptr) *first = number == shim.refuse.from;
  errno = shim.refuse.error;
  return true;
}

// The path without ".", ".." and doubled slashes. Links are not followed: the folder has none.
std::string Normal(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
  }
  std::string normal;
  for (const std::string_view part : parts) normal.append("/").append(part);
  return normal;
}

std::string FolderOf(int dirfd) {
  char link[64];
  char target[4096];
  snprintf(link, sizeof(link), "/proc/self/%s", dirfd == AT_FDCWD ? "cwd" : ("fd/" + std::to_string(dirfd)).c_str());
  const ssize_t size = readlink(link, target, sizeof(target));
  return size < 0 ? std::string() : std::string(target, static_cast<std::size_t>(size));
}

// Sets `below` to the path from the root ("" for the root); false when it lies elsewhere.
bool Below(int dirfd, const char* path, std::string& below) {
  const Shim& shim = Get();
  if (shim.root.empty() || path == nullptr) return false;
  const std::string full = Normal(path[0] == '/' ? std::string(path) : FolderOf(dirfd) + "/" + path);
  if (full == shim.root) {
    below.clear();
    return true;
  }
  if (!full.starts_with(shim.root + "/")) return false;
  below = full.substr(shim.root.size() + 1);
  return true;
}

Open* Find(int fd) {
  if (fd < 0 || fd >= kFdsMax) return nullptr;
  Open& open = Get().open[fd];
  if (open.handle == 0) return nullptr;
  // closedir() and the like close without us: the number may mean another file by now.
  struct stat info {};
  if (fstat(fd, &info) == 0 && info.st_dev == open.device && info.st_ino == open.inode) return &open;
  open.handle = 0;
  return nullptr;
}

void Adopt(int fd, const std::string& below, int flags, bool created) {
  if (fd >= kFdsMax) Die("crash shim: too many open files\n");
  Shim& shim = Get();
  struct stat info {};
  fstat(fd, &info);
  shim.open[fd] = {++shim.handles, info.st_dev, info.st_ino, (flags & (O_SYNC | O_DSYNC)) != 0};
  Record("open", shim.handles, flags, created ? 1 : 0, below);
  if (!created && (flags & O_TRUNC) != 0 && (flags & O_ACCMODE) != O_RDONLY) Record("truncate", shim.handles, 0, 0, {});
  if (created) Reached('n');
}

int OpenAt(int dirfd, const char* path, int flags, mode_t mode) {
  const Locked lock;
  std::string below;
  const bool ours = Below(dirfd, path, below);
  struct stat info {};
  const bool created = ours && (flags & O_CREAT) != 0 && fstatat(dirfd, path, &info, 0) != 0;
  if (created && Refused('n')) return -1;
  const int fd = static_cast<int>(syscall(SYS_openat, dirfd, path, flags, mode));
  if (fd >= 0 && fd < kFdsMax) Get().open[fd].handle = 0;
  if (fd >= 0 && ours) Adopt(fd, below, flags, created);
  return fd;
}

void Duplicate(int from, int to) {
  if (to < 0 || to >= kFdsMax) return;
  const Open* open = Find(from);
  Get().open[to] = open == nullptr ? Open() : *open;
}

// ---- writing ----

// Records what a write that came to `size` bytes left at `offset`.
ssize_t Wrote(const Open& open, const iovec* parts, int count, long offset, ssize_t size) {
  std::string bytes;
  for (int i = 0; i < count && bytes.size() < static_cast<std::size_t>(size); ++i) {
    bytes.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  }
  bytes.resize(static_cast<std::size_t>(size));
  Record("write", open.handle, offset, open.synced_writes ? 1 : 0, bytes);
  Reached('w');
  return size;
}

// offset -1: where the file stands, or its end when it appends.
ssize_t WriteParts(int fd, const iovec* parts, int count, long offset) {
  const Locked lock;
  const bool positioned = offset >= 0;
  Open* open = Find(fd);
  if (open == nullptr) {
    if (fd == 1 && !Get().root.empty() && count == 1) {
      const std::string_view note(static_cast<const char*>(parts[0].iov_base), parts[0].iov_len);
      Record("note", 0, 0, 0, note);
      Get().phases += note.starts_with("phase ") ? 1 : 0;
    }
    return positioned ? syscall(SYS_pwritev, fd, parts, count, offset, 0L) : syscall(SYS_writev, fd, parts, count);
  }
  bool first = false;
  iovec half = parts[0];
  if (Refused('w', &first)) {
    half.iov_len /= 2;
    if (!first || half.iov_len == 0) return -1;
    parts = &half;
    count = 1;
  }
  const ssize_t size = positioned ? syscall(SYS_pwritev, fd, parts, count, offset, 0L) : syscall(SYS_writev, fd, parts, count);
  if (size < 0) return size;
  if (!positioned) offset = lseek(fd, 0, SEEK_CUR) - size;
  return Wrote(*open, parts, count, offset, size);
}

ssize_t WriteOne(int fd, const void* bytes, size_t size, long offset) {
  const iovec part = {const_cast<void*>(bytes), size};
  return WriteParts(fd, &part, 1, offset);
}

int Resize(int fd, const char* op, long size, int (*change)(int, long)) {
  const Locked lock;
  const Open* open = Find(fd);
  if (open != nullptr && Refused('w')) return -1;
  const int answer = change(fd, size);
  if (open == nullptr || answer != 0) return answer;
  Record(op, open->handle, size, 0, {});
  Reached('w');
  return answer;
}

int Truncate(int fd, long size) {
  return Resize(fd, "truncate", size, [](int file, long to) { return static_cast<int>(syscall(SYS_ftruncate, file, to)); });
}

int Allocate(int fd, int mode, long offset, long size) {
  if (mode != 0) Die("crash shim: fallocate with a mode is not modelled\n");
  return Resize(fd, "extend", offset + size,
                [](int file, long to) { return static_cast<int>(syscall(SYS_fallocate, file, 0, 0L, to)); });
}

int Sync(int fd, int call) {
  const Locked lock;
  const Open* open = Find(fd);
  if (open == nullptr) return Get().root.empty() ? 0 : static_cast<int>(syscall(call, fd));
  if (Refused('s')) {
    Record("syncfail", open->handle, 0, 0, {});
    return -1;
  }
  Reached('b');
  Record("sync", open->handle, call == SYS_fdatasync ? 1 : 0, 0, {});
  Reached('s');
  return 0;
}

// ---- names ----

// Does `change` unless the disk refuses it, and records it when it went well.
template <typename Change>
int Name(const char* op, int dirfd, const char* path, bool takes_space, Change change) {
  const Locked lock;
  std::string below;
  if (!Below(dirfd, path, below)) return change();
  if (takes_space && Refused('n')) return -1;
  const int answer = change();
  if (answer != 0) return answer;
  Record(op, 0, 0, 0, below);
  Reached('n');
  return answer;
}

template <typename Change>
int TwoNames(const char* op, int from_fd, const char* from, int to_fd, const char* to, Change change) {
  const Locked lock;
  std::string below_from;
  std::string below_to;
  const bool from_ours = Below(from_fd, from, below_from);
  if (from_ours != Below(to_fd, to, below_to)) Die("crash shim: a name moves into or out of the folder\n");
  if (!from_ours) return change();
  if (Refused('n')) return -1;
  const int answer = change();
  if (answer != 0) return answer;
  Record(op, 0, 0, 0, below_from + '\0' + below_to);
  Reached('n');
  return answer;
}

int Unlink(int dirfd, const char* path, int flags) {
  return Name((flags & AT_REMOVEDIR) != 0 ? "rmdir" : "unlink", dirfd, path, false,
              [&] { return static_cast<int>(syscall(SYS_unlinkat, dirfd, path, flags)); });
}

int Temporary(char* pattern, int flags) {
  static long number = 0;
  char* const digits = pattern + strlen(pattern) - 6;
  while (true) {
    char text[8];
    snprintf(text, sizeof(text), "%06ld", __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED) % 1'000'000);
    memcpy(digits, text, 6);
    const int fd = OpenAt(AT_FDCWD, pattern, flags | O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
}

void MustNot(const char* call, int fd) {
  const Locked lock;
  if (Find(fd) == nullptr) return;
  Die((std::string("crash shim: not modelled: ") + call + "\n").c_str());
}

mode_t ModeOf(int flags, va_list rest) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : mode_t{0};
}

}  // namespace

// ---- what a program calls, each also under its name for large files ----

#define CRASH_ALIAS(Name, Twin) __attribute__((alias(#Twin))) decltype(Twin) Name

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = ModeOf(flags, rest);
  va_end(rest);
  return OpenAt(AT_FDCWD, path, flags, mode);
}
int openat(int dirfd, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = ModeOf(flags, rest);
  va_end(rest);
  return OpenAt(dirfd, path, flags, mode);
}
int creat(const char* path, mode_t mode) { return OpenAt(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode); }
int mkostemp(char* pattern, int flags) { return Temporary(pattern, flags); }
int mkstemp(char* pattern) { return Temporary(pattern, 0); }
int close(int fd) {
  const Locked lock;
  if (fd >= 0 && fd < kFdsMax) Get().open[fd].handle = 0;
  return static_cast<int>(syscall(SYS_close, fd));
}
int dup(int fd) {
  const Locked lock;
  const int to = static_cast<int>(syscall(SYS_dup, fd));
  Duplicate(fd, to);
  return to;
}
int dup3(int fd, int to, int flags) {
  const Locked lock;
  const int answer = static_cast<int>(syscall(SYS_dup3, fd, to, flags));
  Duplicate(fd, answer);
  return answer;
}
int dup2(int fd, int to) { return fd == to ? to : dup3(fd, to, 0); }
int fcntl(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  const Locked lock;
  const int answer = static_cast<int>(syscall(SYS_fcntl, fd, command, argument));
  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) Duplicate(fd, answer);
  return answer;
}

ssize_t write(int fd, const void* bytes, size_t size) { return WriteOne(fd, bytes, size, -1); }
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) { return WriteOne(fd, bytes, size, offset); }
ssize_t writev(int fd, const iovec* parts, int count) { return WriteParts(fd, parts, count, -1); }
ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) { return WriteParts(fd, parts, count, offset); }
int ftruncate(int fd, off_t size) noexcept { return Truncate(fd, size); }
int fallocate(int fd, int mode, off_t offset, off_t size) { return Allocate(fd, mode, offset, size); }
int posix_fallocate(int fd, off_t offset, off_t size) { return Allocate(fd, 0, offset, size) == 0 ? 0 : errno; }

int fsync(int fd) { return Sync(fd, SYS_fsync); }
int fdatasync(int fd) { return Sync(fd, SYS_fdatasync); }
// Promises nothing after a loss of power, so it is no sync.
int sync_file_range(int, off64_t, off64_t, unsigned) { return 0; }

int rename(const char* from, const char* to) {
  return TwoNames("rename", AT_FDCWD, from, AT_FDCWD, to,
                  [&] { return static_cast<int>(syscall(SYS_rename, from, to)); });
}
int renameat(int from_fd, const char* from, int to_fd, const char* to) {
  return TwoNames("rename", from_fd, from, to_fd, to,
                  [&] { return static_cast<int>(syscall(SYS_renameat, from_fd, from, to_fd, to)); });
}
int link(const char* from, const char* to) noexcept {
  return TwoNames("link", AT_FDCWD, from, AT_FDCWD, to,
                  [&] { return static_cast<int>(syscall(SYS_link, from, to)); });
}
int unlink(const char* path) noexcept { return Unlink(AT_FDCWD, path, 0); }
int unlinkat(int dirfd, const char* path, int flags) noexcept { return Unlink(dirfd, path, flags); }
int rmdir(const char* path) noexcept { return Unlink(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char* path) noexcept {
  const int answer = Unlink(AT_FDCWD, path, 0);
  return answer != 0 && errno == EISDIR ? Unlink(AT_FDCWD, path, AT_REMOVEDIR) : answer;
}
int mkdirat(int dirfd, const char* path, mode_t mode) noexcept {
  return Name("mkdir", dirfd, path, true, [&] { return static_cast<int>(syscall(SYS_mkdirat, dirfd, path, mode)); });
}
int mkdir(const char* path, mode_t mode) noexcept { return mkdirat(AT_FDCWD, path, mode); }

void* mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) noexcept {
  {
    const Locked lock;
    const Open* open = (flags & MAP_SHARED) != 0 && (protection & PROT_WRITE) != 0 ? Find(fd) : nullptr;
    if (open != nullptr) Record("map", open->handle, 0, 0, {});
  }
  return reinterpret_cast<void*>(syscall(SYS_mmap, at, size, protection, flags, fd, offset));
}
ssize_t sendfile(int to, int from, off_t* offset, size_t size) noexcept {
  MustNot("sendfile", to);
  return syscall(SYS_sendfile, to, from, offset, size);
}
ssize_t copy_file_range(int from, off64_t* from_offset, int to, off64_t* to_offset, size_t size, unsigned flags) {
  MustNot("copy_file_range", to);
  return syscall(SYS_copy_file_range, from, from_offset, to, to_offset, size, flags);
}

CRASH_ALIAS(open64, open);
CRASH_ALIAS(openat64, openat);
CRASH_ALIAS(creat64, creat);
CRASH_ALIAS(mkostemp64, mkostemp);
CRASH_ALIAS(mkstemp64, mkstemp);
CRASH_ALIAS(fcntl64, fcntl);
CRASH_ALIAS(pwrite64, pwrite);
CRASH_ALIAS(pwritev64, pwritev);
CRASH_ALIAS(ftruncate64, ftruncate);
CRASH_ALIAS(fallocate64, fallocate);
CRASH_ALIAS(posix_fallocate64, posix_fallocate);
CRASH_ALIAS(mmap64, mmap);

}  // extern "C"

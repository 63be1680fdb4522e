"""test_fault_commands.py: some calls of every command fail, and every call that can be made to fail is. test_fault_commands_slow.py goes
through all ways to all of them."""

import glob
import os
import re
import subprocess
import tempfile
import unittest

import fault_scenarios
import faulty

SOURCE, BUILD = os.environ["TRIMTAB_SOURCE"], os.environ["TRIMTAB_BUILD"]

# What the C library has that takes memory, touches files or waits, so far as programs like this one use it.
CALLS = """malloc calloc realloc reallocarray strdup strndup aligned_alloc posix_memalign asprintf vasprintf getline getdelim open_memstream
fmemopen scandir realpath opendir fdopendir fopen freopen fdopen popen tmpfile getcwd pthread_create read pread readv preadv write pwrite
writev pwritev open openat creat mkostemp mkstemp mkdtemp fsync fdatasync sync_file_range rename renameat renameat2 link symlink mkdir
ftruncate truncate fallocate posix_fallocate mmap mremap msync sendfile copy_file_range flock fcntl lockf pipe pipe2 stat fstat lstat
statvfs fstatvfs fchmod chmod access posix_fadvise socket bind listen accept accept4 connect send sendto sendmsg recv recvfrom recvmsg
poll ppoll select pselect epoll_wait nanosleep clock_nanosleep usleep sleep pause wait waitpid waitid sem_wait sem_timedwait
sigwait sigwaitinfo getrandom close dup dup2""".split()
# Of the other libraries: what allocates on our behalf, or says that it could not.
CALLS += """yyjson_read_opts yyjson_read_file yyjson_mut_doc_new yyjson_mut_doc_mut_copy yyjson_doc_mut_copy yyjson_mut_write_opts
yyjson_write_opts history_init el_init gguf_init_from_file gguf_init_from_callback gguf_init_from_buffer llama_model_load_from_file
llama_model_load_from_splits llama_init_from_model llama_decode llama_encode llama_set_adapter_cvec MHD_start_daemon MHD_queue_response
MHD_create_response_from_buffer MHD_create_response_from_buffer_static MHD_create_response_from_callback MHD_add_response_header""".split()


class List(unittest.TestCase):
    def test_every_call_can_fail(self):
        objects = glob.glob(os.path.join(BUILD, "CMakeFiles", "trimtab_*.dir", "src", "**", "*.o"), recursive=True)
        self.assertGreater(len(objects), 100)
        names = subprocess.run(["nm", "--undefined-only", "--format=just-symbols", *objects], capture_output=True, text=True, check=True).stdout.split()
        used = {name for name in names if re.sub(r"^__(isoc23_)?|_chk$|_2$|64$", "", name) in CALLS or name.startswith("LAPACKE_")}
        with open(os.path.join(SOURCE, "tests", "CMakeLists.txt"), encoding="utf-8") as file:
            wrapped = re.search(r"set\(faulty_calls(.*?)\)", file.read(), re.DOTALL).group(1).split()
        self.assertEqual(sorted(used - set(wrapped)), [], "make these fail too: tests/support/faults_*.c")
        self.assertGreater(len(used), 30)


class Commands(unittest.TestCase):
    def test_some_calls_of_each(self):
        with tempfile.TemporaryDirectory(prefix="trimtab-faults-") as folder:
            for turn, scenario in enumerate(fault_scenarios.all_of_them(folder)):
                with self.subTest(scenario.name):
                    problems, runs = faulty.try_some(scenario, 3, turn)
                    self.assertGreaterEqual(runs, 5)
                    self.assertEqual(problems, [], "\n".join(problems))

    def test_what_is_wrong_is_found(self):
        """A run that forgets a file, prints something else or says nothing is not taken for a good one."""
        scenario = faulty.Scenario("man", ("man", "-o", "pages"))
        with faulty.Faults(scenario) as faults:
            good = faults.expected
            nth = faults.ways[faulty.WRITE] and 1
            failed = faults.run(faulty.WRITE, nth)
            self.assertIsNone(faults.problem(failed, faulty.WRITE))
            self.assertEqual(failed.status, 1)

            def wrong(fault=faulty.MEMORY, **other):
                return faults.problem(faulty.dataclasses.replace(failed, **other), fault)

            self.assertIn("all was well", wrong(status=0, files=good.files, stdout=b"?"))
            self.assertIn("all was well", wrong(status=0, files={}))
            self.assertIn("half a write", wrong(faulty.WRITE, status=0, files=good.files))
            self.assertIn("status -6", wrong(status=-6))
            self.assertIn("sanitizer", wrong(stderr="ERROR: AddressSanitizer: ..."))
            self.assertIn("0 sentences", wrong(stderr=""))
            self.assertIn("2 sentences", wrong(stderr="trimtab: one sentence here\ntrimtab: another sentence\n"))
            self.assertIn("behind", wrong(files={"pages/trimtab.1.a1b2c3": b"half"}))
            self.assertIn("must not be noticed", wrong(faulty.INTERRUPTED))


if __name__ == "__main__":
    unittest.main(verbosity=2)

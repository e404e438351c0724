/*
 * First process of a golden machine: starts the recorded program and waits for it, as the init of the recorded machines did. Its being there
 * matters: it maps the vDSO too. With a size as first argument it reads a range of that many bytes, so that the huge zero page exists
 * as it did on a machine where other programs had run before.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv, char **envp)
{
	size_t bytes = argc > 1 ? strtoul(argv[1], 0, 10) : 0;
	if (bytes) {
		volatile char *range = mmap(0, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (range == MAP_FAILED)
			return 125;
		(void)range[0];
		(void)range[bytes];
		munmap((void *)range, 2 * bytes);
	}
	pid_t pid = fork();
	if (pid == 0) {
		execve(argv[2], argv + 2, envp);
		_exit(127);
	}
	int status = 0;
	if (waitpid(pid, &status, 0) != pid)
		return 126;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

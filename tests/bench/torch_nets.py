"""bench/torch_nets.py: the works of torch_steps.py with convolutions and recurrence, as nets.lua has
them."""
import torch
import torch.nn.functional as F
from torch import nn

ROWS = 512


def images(*shape):
    torch.manual_seed(1)
    x = torch.rand(ROWS, *shape)
    return (x - 0.8).clamp_(min=0).mul_(5), torch.randint(0, 10, (ROWS,))


def cnn_net():
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Dropout(.25), nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(.5),
                         nn.Linear(128, 10))


def lenet_net():
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5),
                         nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(),
                         nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(28, 128, batch_first=True), nn.Linear(128, 10)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


def works(batches_of, by_optimizer):
    """By name, as WORKS of torch_steps.py, whose Batches and by_optimizer these are."""
    def training(net, make, *shape, last=(False,)):
        def ways(batch):
            for foreach in (False, True):
                for channels_last in last:
                    m, (x, y) = net(), images(*shape)
                    if channels_last:
                        m, x = m.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
                    step = by_optimizer(m, make(m, foreach), batches_of(x, y, batch), F.cross_entropy)
                    yield f"module, foreach={foreach}{', channels last' if channels_last else ''}", step
        return ways

    def inference(batch):
        batches = batches_of(*images(1, 28, 28), batch)

        def step_of(m):
            def step():
                with torch.inference_mode():
                    m(batches()[0])
            return step
        m = cnn_net().eval()
        yield "module", step_of(m)
        yield "jit.freeze", step_of(torch.jit.freeze(torch.jit.trace(m, batches()[0])))

    def adam(m, foreach):
        return torch.optim.Adam(m.parameters(), 1e-3, foreach=foreach)

    def sgd(m, foreach):
        return torch.optim.SGD(m.parameters(), 0.01, momentum=0.9, foreach=foreach)

    both = (False, True)
    return {"cnn": training(cnn_net, adam, 1, 28, 28, last=both), "cnn-inference": inference,
            "lenet": training(lenet_net, sgd, 1, 28, 28, last=both), "lstm": training(Reader, adam, 28, 28)}
